// Package dist holds the tests of what is published: that it is built twice alike, that
// the package for Debian installs, works for whom it should and goes away again, and
// that the image and the manifest for containers hold what they need.
package dist
