//go:build amd64 || arm64

package attach

// SetOldWay has Open do as it does before Linux 6.6.
func SetOldWay(on bool) { oldWay = on }
