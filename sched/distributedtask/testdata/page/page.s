// The declarations of this package have no bodies; this file allows that.
