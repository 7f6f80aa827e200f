// Package compare sets two captures, or what was made of them, side by side.
package compare
