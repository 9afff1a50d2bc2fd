// Command mute does not speak the protocol.
package main

import "fmt"

func main() { fmt.Println("this program is no guest") }
