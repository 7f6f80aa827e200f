// Package screen is the full-screen view of a capture: a Bubble Tea program that shows
// what an overview.Collector knows, and flows of connections when they are asked for.
//
// It draws four times a second, and after keys; then it asks the collector for what is
// on the screen. Nothing that is captured waits for it.
//
// All text goes to the terminal through one function (compose), which lets nothing of
// the capture steer the terminal: see internal/termsafe.
package screen
