package reassembly_test

import (
	"github.com/pgsniff/pgsniff/pkg/fromgopacket"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

func init() { reassembly.SetSegmentOf(fromgopacket.Segment) }
