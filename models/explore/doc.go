// Package explore visits every state that a finite machine can reach.
package explore
