package grammar

import "github.com/pgsniff/pgsniff/pkg/messages"

// Stage is how far the replies to the oldest request have come.
type Stage uint8

// The stages.
const (
	StageFresh     Stage = iota // no reply yet
	StageBetween                // a command of a Query is complete, another may follow
	StageRows                   // RowDescription or DataRow
	StageDescribed              // ParameterDescription
	StageCopyIn                 // CopyInResponse
	StageCopyOut                // CopyOutResponse
	StageCopyBoth               // CopyBothResponse
	StageCopied                 // the backend's CopyDone after CopyOutResponse
	StageResult                 // FunctionCallResponse, or EmptyQueryResponse to a Query
	StageFailed                 // ErrorResponse: only ReadyForQuery is left
	StageAny                    // not known
	numStages
)

// Stages tells what may come next ("Message Flow"), as far as it answers the
// request at all: the table of replies says that. Asynchronous messages and an
// error of severity FATAL may come at any stage.
var Stages = [numStages]Kinds{
	StageFresh: ^KindsOf(messages.KindCopyData, messages.KindCopyDone), // and see NotFirstOfQuery
	StageBetween: KindsOf(messages.KindRowDescription, messages.KindCommandComplete, messages.KindCopyInResponse,
		messages.KindCopyOutResponse, messages.KindCopyBothResponse, messages.KindReadyForQuery, messages.KindErrorResponse),
	StageRows: KindsOf(messages.KindDataRow, messages.KindCommandComplete, messages.KindPortalSuspended,
		messages.KindErrorResponse),
	StageDescribed: KindsOf(messages.KindRowDescription, messages.KindNoData, messages.KindErrorResponse),
	StageCopyIn:    KindsOf(messages.KindCommandComplete, messages.KindErrorResponse),
	StageCopyOut:   KindsOf(messages.KindCopyData, messages.KindCopyDone, messages.KindErrorResponse),
	// A walsender that shuts down completes the command without CopyDone, and one
	// at the end of a timeline sends a result before that.
	StageCopyBoth: KindsOf(messages.KindCopyData, messages.KindCopyDone, messages.KindRowDescription,
		messages.KindCommandComplete, messages.KindErrorResponse),
	// A base backup goes on with a result or, up to PostgreSQL 14, the next archive.
	StageCopied: KindsOf(messages.KindCommandComplete, messages.KindRowDescription, messages.KindCopyOutResponse,
		messages.KindErrorResponse),
	StageResult: KindsOf(messages.KindReadyForQuery, messages.KindErrorResponse),
	StageFailed: KindsOf(messages.KindReadyForQuery),
	StageAny:    ^Kinds(0),
}

// NotFirstOfQuery and NotFirstOfFunction cannot come as the first reply to a Query and a
// FunctionCall.
var (
	NotFirstOfQuery    = KindsOf(messages.KindDataRow, messages.KindReadyForQuery)
	NotFirstOfFunction = KindsOf(messages.KindReadyForQuery)
)

// Next is the stage after a reply that did not complete its request.
func (s Stage) Next(k messages.Kind) Stage {
	switch k {
	case messages.KindRowDescription, messages.KindDataRow:
		return StageRows
	case messages.KindCommandComplete:
		return StageBetween
	case messages.KindParameterDescription:
		return StageDescribed
	case messages.KindCopyInResponse:
		return StageCopyIn
	case messages.KindCopyOutResponse:
		return StageCopyOut
	case messages.KindCopyBothResponse:
		return StageCopyBoth
	case messages.KindCopyDone:
		if s == StageCopyOut {
			return StageCopied
		}
	case messages.KindFunctionCallResponse, messages.KindEmptyQueryResponse:
		return StageResult // a text without a command has nothing more to be told
	case messages.KindErrorResponse:
		return StageFailed
	}
	return s
}
