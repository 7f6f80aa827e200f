// Package grammar is the one grammar of the protocol (manual: "Message Flow"): what the
// frontend may send and what it asks for with it (Sends), which replies answer which
// requests and complete them (Replies), in which order they come (Stages), how startup
// goes on (AuthenticationAnswers), and which message of one side may follow which
// (Follows), for whoever sees one side alone.
//
// tracker follows conversations by it, and its strict machines refuse by it; codec tells
// messages from data that looks like them by it. That the last table says nothing that
// the others do not allow is a test.
package grammar
