// Package metrics adds up what the program sees as counters, gauges and histograms
// that monitoring systems scrape: Prometheus' text format over HTTP, and OTLP.
//
// The number of series is bounded. Queries are told apart by database, user,
// application and class (the normalised statement); the classes with most time have
// series of their own, all others of their database, user and application are one
// series, "other". Counts are complete either way. A class that takes less time than
// another that has none gives its series up, which stays to be seen for two minutes more,
// and its further calls are in "other": every counter only grows. One that comes back
// later begins at zero, as after a restart.
package metrics
