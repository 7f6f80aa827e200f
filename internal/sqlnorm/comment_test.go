package sqlnorm

import (
	"strings"
	"testing"
)

func tagText(tags []Tag) string {
	var list []string
	for _, t := range tags {
		list = append(list, string(t.Key)+"="+string(t.Value))
	}
	return strings.Join(list, "; ")
}

func TestTags(t *testing.T) {
	for _, test := range []struct{ sql, want string }{
		{"select 1", ""},
		{"select 1 /* a note */", ""},
		{"select 1 /*action='index',application='shop'*/", "action=index; application=shop"},
		{"select 1 /* action='index' , application='shop' */", "action=index; application=shop"},
		{"select 1 /*a='b'*/;", "a=b"},
		{"select 1; /*a='b'*/", "a=b"},
		{"/*a='b'*/ select 1", "a=b"},
		{"-- x\n/*a='b'*/ select 1 /*c='d'*/ -- e", "a=b; c=d"},
		{"select /*a='b'*/ 1", ""},
		{"select '/*a=''b''*/'", ""},
		{"select 1 /*route='%2Fpolls%201',x='it\\'s'*/", "route=/polls 1; x=it's"},
		{"select 1 /*route='%%2Fpolls'*/", "route=/polls"},
		{"select 1 /*x='100%'*/", "x=100%"},
		{"select 1 /*x='a*/", ""},
		{"select 1 /*x='a'", ""},
		{"select 1 /*/", ""},
		{"select 1 /*application:Shop,controller:carts,action:show*/", "application=Shop; controller=carts; action=show"},
		{"select 1 /*see:below*/", ""},
		{"select 1 /*x='1' or true*/", ""},
		{"/*a='1'*/ select 1 /*a='2',b='3'*/", "a=1; b=3"},
		{"/*a='1'*/", ""},
	} {
		if got := tagText(AppendTags(nil, []byte(test.sql))); got != test.want {
			t.Errorf("%s: got %q, want %q", test.sql, got, test.want)
		}
	}
}

func TestTraceOf(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, test := range []struct {
		value string
		ok    bool
		flag  bool
	}{
		{"00-" + trace + "-" + span + "-01", true, true},
		{"00-" + trace + "-" + span + "-00", true, false},
		{"01-" + trace + "-" + span + "-01-more", true, true},
		{"00-" + trace + "-" + span + "-01-more", false, false},
		{"ff-" + trace + "-" + span + "-01", false, false},
		{"00-" + strings.Repeat("0", 32) + "-" + span + "-01", false, false},
		{"00-" + trace + "-" + strings.Repeat("0", 16) + "-01", false, false},
		{"00-" + strings.ToUpper(trace) + "-" + span + "-01", false, false},
		{"", false, false},
	} {
		got, ok := TraceOf([]Tag{{[]byte("traceparent"), []byte(test.value)}})
		if ok != test.ok || got.Sampled != test.flag || ok && (got.TraceID != trace || got.SpanID != span) {
			t.Errorf("%s: %v %v", test.value, got, ok)
		}
	}
	if _, ok := TraceOf(nil); ok {
		t.Error("a trace of no tags")
	}
}

func FuzzTags(f *testing.F) {
	f.Add([]byte("/*a='b'*/select 1/*c='d'*/;"))
	f.Fuzz(func(t *testing.T, sql []byte) {
		tags := AppendTags(nil, sql)
		if len(tags) > 2*maxTags {
			t.Fatal(len(tags))
		}
		TraceOf(tags)
	})
}
