package otlp

// maxBatch is how many spans or points a body has at most, maxBatchBytes how large one
// gets: collectors refuse bodies of more than some megabytes.
const (
	maxBatch      = 512
	maxBatchBytes = 1 << 20
)

// schemaURL names the version of the conventions that the attributes follow.
const schemaURL = "https://opentelemetry.io/schemas/1.44.0"

// batch gathers spans, or metrics, to one body.
type batch struct {
	object
	resource []KeyValue
	version  string
	kind     string // resourceSpans or resourceMetrics
	scoped   string // scopeSpans or scopeMetrics
	list     string // spans or metrics
	items    int
}

func newBatch(kind, scoped, list, version string, resource []KeyValue) *batch {
	return &batch{kind: kind, scoped: scoped, list: list, version: version, resource: resource}
}

// item begins the next span or metric.
func (b *batch) item() {
	if b.items == 0 {
		b.head()
	}
	b.items++
	b.element('{')
}

func (b *batch) head() {
	b.open('{')
	b.member(b.kind, '[')
	b.element('{')
	b.member("resource", '{')
	b.member("attributes", '[')
	a := attributes{&b.object}
	for _, kv := range b.resource {
		a.string(kv.Key, kv.Value)
	}
	b.close(']')
	b.close('}')
	b.member(b.scoped, '[')
	b.element('{')
	b.member("scope", '{')
	b.string("name", "pgsniff")
	b.string("version", b.version)
	b.close('}')
	b.string("schemaUrl", schemaURL)
	b.member(b.list, '[')
}

// full reports whether the batch is to be sent.
func (b *batch) full() bool { return b.items >= maxBatch || len(b.buf) >= maxBatchBytes }

// take ends the body and returns it with the number of its items; nil if there are
// none. The memory is the caller's.
func (b *batch) take() (body []byte, items int) {
	if b.items == 0 {
		return nil, 0
	}
	for _, c := range []byte("]}]}]}") {
		b.close(c)
	}
	body, items = b.buf, b.items
	b.object, b.items = object{buf: make([]byte, 0, len(body))}, 0
	return body, items
}
