package session

// TakeCycles sets whether sessions made from now on take cycles at once.
func TakeCycles(on bool) { takeCycles = on }
