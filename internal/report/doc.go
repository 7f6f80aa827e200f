// Package report writes a capture as one page of HTML: what was captured and what is
// missing, what is wrong, load and latency over time, queries with their executions,
// connections, errors. The page needs nothing else: no server, no network, no file
// beside it. It opens from disk, offline, in any browser of today.
//
// What is gathered is bounded whatever the capture (see the constants), so a page of any
// capture stays below some 1.5 MB, of which the chart library (uPlot, MIT, in vendored/)
// is 51 kB. What did not fit is counted and said on the page.
//
// All text of the capture gets into the page as JSON in which no character can end the
// element that it stands in, and from there into the document as text, never as markup.
// The page forbids itself every request (Content-Security-Policy).
package report
