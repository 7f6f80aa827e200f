// Package flow shows one connection of a capture message by message, once somebody asks
// for it. While a capture is analysed nothing of that is made or kept but packets: a
// file can be read again, and of live traffic a [History] keeps the latest packets as
// they came. [Match] finds the packets of a connection among them, [Save] writes them to
// a file, and a [Collector] behind an analysis of them makes the steps of the flow.
package flow
