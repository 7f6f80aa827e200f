package messages

// kindInfo is a row of the table of kinds.
type kindInfo struct {
	name     string
	tag      byte // 0: the message has no type byte
	sides    Sides
	min, max int // bytes of the body
	new      func() Message
}

// Limits that PostgreSQL itself puts on the body of a message.
const (
	// maxLarge is PQ_LARGE_MESSAGE_LIMIT less the length field: what the server
	// accepts for statements and data, and about the most it can send.
	maxLarge = 0x3fffffff - 1 - 4
	// maxSmall is PQ_SMALL_MESSAGE_LIMIT less the length field: what the server
	// accepts for all other messages.
	maxSmall = 10000 - 4
	// maxStartup is MAX_STARTUP_PACKET_LENGTH.
	maxStartup = 10000
	// maxToken is PG_MAX_AUTH_TOKEN_LENGTH less the length field.
	maxToken = 65535 - 4
	// maxShort is what libpq accepts for messages that it does not expect to be
	// long (VALID_LONG_MESSAGE_TYPE lists those).
	maxShort = 30000 - 4
	// maxBody is the most that the length field, an Int32, can express.
	maxBody = 0x7fffffff - 4
	// maxList is the greatest count of an Int16 read without sign.
	maxList = 65535
	// startupV2Len is the size of the version-2 startup packet less its length.
	startupV2Len = 292
	// minKey and maxKey bound the cancellation key (manual: "BackendKeyData (B)").
	minKey = 4
	maxKey = 256
)

// kinds is the one table of messages: all that is known of a kind without its
// body.
var kinds = [numKinds]kindInfo{
	KindUnknown: {"Unknown", 0, FromBoth, 0, maxBody, func() Message { return new(Unknown) }},

	KindStartupMessage:           {"StartupMessage", 0, FromFrontend, 5, maxStartup, func() Message { return new(StartupMessage) }},
	KindSSLRequest:               {"SSLRequest", 0, FromFrontend, 4, 4, func() Message { return new(SSLRequest) }},
	KindGSSENCRequest:            {"GSSENCRequest", 0, FromFrontend, 4, 4, func() Message { return new(GSSENCRequest) }},
	KindCancelRequest:            {"CancelRequest", 0, FromFrontend, 8 + minKey, 8 + maxKey, func() Message { return new(CancelRequest) }},
	KindSSLResponse:              {"SSLResponse", 0, FromBackend, 1, 1, func() Message { return new(SSLResponse) }},
	KindGSSENCResponse:           {"GSSENCResponse", 0, FromBackend, 1, 1, func() Message { return new(GSSENCResponse) }},
	KindNegotiateProtocolVersion: {"NegotiateProtocolVersion", 'v', FromBackend, 8, maxShort, func() Message { return new(NegotiateProtocolVersion) }},
	KindBackendKeyData:           {"BackendKeyData", 'K', FromBackend, 4 + minKey, 4 + maxKey, func() Message { return new(BackendKeyData) }},
	KindParameterStatus:          {"ParameterStatus", 'S', FromBackend, 2, maxShort, func() Message { return new(ParameterStatus) }},
	KindStartupMessageV2:         {"StartupMessageV2", 0, FromFrontend, startupV2Len, startupV2Len, func() Message { return new(StartupMessageV2) }},
	KindErrorResponseV2:          {"ErrorResponseV2", 'E', FromBackend, 1, maxShort, func() Message { return new(ErrorResponseV2) }},

	KindAuthenticationOk:                {"AuthenticationOk", 'R', FromBackend, 4, 4, func() Message { return new(AuthenticationOk) }},
	KindAuthenticationKerberosV5:        {"AuthenticationKerberosV5", 'R', FromBackend, 4, 4, func() Message { return new(AuthenticationKerberosV5) }},
	KindAuthenticationCleartextPassword: {"AuthenticationCleartextPassword", 'R', FromBackend, 4, 4, func() Message { return new(AuthenticationCleartextPassword) }},
	KindAuthenticationMD5Password:       {"AuthenticationMD5Password", 'R', FromBackend, 8, 8, func() Message { return new(AuthenticationMD5Password) }},
	KindAuthenticationGSS:               {"AuthenticationGSS", 'R', FromBackend, 4, 4, func() Message { return new(AuthenticationGSS) }},
	KindAuthenticationGSSContinue:       {"AuthenticationGSSContinue", 'R', FromBackend, 4, maxToken, func() Message { return new(AuthenticationGSSContinue) }},
	KindAuthenticationSSPI:              {"AuthenticationSSPI", 'R', FromBackend, 4, 4, func() Message { return new(AuthenticationSSPI) }},
	KindAuthenticationSASL:              {"AuthenticationSASL", 'R', FromBackend, 5, maxShort, func() Message { return new(AuthenticationSASL) }},
	KindAuthenticationSASLContinue:      {"AuthenticationSASLContinue", 'R', FromBackend, 4, maxToken, func() Message { return new(AuthenticationSASLContinue) }},
	KindAuthenticationSASLFinal:         {"AuthenticationSASLFinal", 'R', FromBackend, 4, maxToken, func() Message { return new(AuthenticationSASLFinal) }},
	KindPasswordMessage:                 {"PasswordMessage", 'p', FromFrontend, 1, maxToken, func() Message { return new(PasswordMessage) }},
	KindSASLInitialResponse:             {"SASLInitialResponse", 'p', FromFrontend, 5, maxToken, func() Message { return new(SASLInitialResponse) }},
	KindSASLResponse:                    {"SASLResponse", 'p', FromFrontend, 0, maxToken, func() Message { return new(SASLResponse) }},
	KindGSSResponse:                     {"GSSResponse", 'p', FromFrontend, 0, maxToken, func() Message { return new(GSSResponse) }},

	KindQuery:              {"Query", 'Q', FromFrontend, 1, maxLarge, func() Message { return new(Query) }},
	KindRowDescription:     {"RowDescription", 'T', FromBackend, 2, maxLarge, func() Message { return new(RowDescription) }},
	KindDataRow:            {"DataRow", 'D', FromBackend, 2, maxLarge, func() Message { return new(DataRow) }},
	KindCommandComplete:    {"CommandComplete", 'C', FromBackend, 1, maxShort, func() Message { return new(CommandComplete) }},
	KindEmptyQueryResponse: {"EmptyQueryResponse", 'I', FromBackend, 0, 0, func() Message { return new(EmptyQueryResponse) }},
	KindReadyForQuery:      {"ReadyForQuery", 'Z', FromBackend, 1, 1, func() Message { return new(ReadyForQuery) }},

	KindParse:                {"Parse", 'P', FromFrontend, 4, maxLarge, func() Message { return new(Parse) }},
	KindBind:                 {"Bind", 'B', FromFrontend, 8, maxLarge, func() Message { return new(Bind) }},
	KindDescribe:             {"Describe", 'D', FromFrontend, 2, maxSmall, func() Message { return new(Describe) }},
	KindExecute:              {"Execute", 'E', FromFrontend, 5, maxSmall, func() Message { return new(Execute) }},
	KindClose:                {"Close", 'C', FromFrontend, 2, maxSmall, func() Message { return new(Close) }},
	KindFlush:                {"Flush", 'H', FromFrontend, 0, 0, func() Message { return new(Flush) }},
	KindSync:                 {"Sync", 'S', FromFrontend, 0, 0, func() Message { return new(Sync) }},
	KindParseComplete:        {"ParseComplete", '1', FromBackend, 0, 0, func() Message { return new(ParseComplete) }},
	KindBindComplete:         {"BindComplete", '2', FromBackend, 0, 0, func() Message { return new(BindComplete) }},
	KindCloseComplete:        {"CloseComplete", '3', FromBackend, 0, 0, func() Message { return new(CloseComplete) }},
	KindParameterDescription: {"ParameterDescription", 't', FromBackend, 2, 2 + 4*maxList, func() Message { return new(ParameterDescription) }},
	KindNoData:               {"NoData", 'n', FromBackend, 0, 0, func() Message { return new(NoData) }},
	KindPortalSuspended:      {"PortalSuspended", 's', FromBackend, 0, 0, func() Message { return new(PortalSuspended) }},

	KindCopyData:         {"CopyData", 'd', FromBoth, 0, maxLarge, func() Message { return new(CopyData) }},
	KindCopyDone:         {"CopyDone", 'c', FromBoth, 0, 0, func() Message { return new(CopyDone) }},
	KindCopyFail:         {"CopyFail", 'f', FromFrontend, 1, maxSmall, func() Message { return new(CopyFail) }},
	KindCopyInResponse:   {"CopyInResponse", 'G', FromBackend, 3, 3 + 2*maxList, func() Message { return new(CopyInResponse) }},
	KindCopyOutResponse:  {"CopyOutResponse", 'H', FromBackend, 3, 3 + 2*maxList, func() Message { return new(CopyOutResponse) }},
	KindCopyBothResponse: {"CopyBothResponse", 'W', FromBackend, 3, 3 + 2*maxList, func() Message { return new(CopyBothResponse) }},

	KindFunctionCall:         {"FunctionCall", 'F', FromFrontend, 10, maxLarge, func() Message { return new(FunctionCall) }},
	KindFunctionCallResponse: {"FunctionCallResponse", 'V', FromBackend, 4, maxLarge, func() Message { return new(FunctionCallResponse) }},

	KindErrorResponse:        {"ErrorResponse", 'E', FromBackend, 1, maxLarge, func() Message { return new(ErrorResponse) }},
	KindNoticeResponse:       {"NoticeResponse", 'N', FromBackend, 1, maxLarge, func() Message { return new(NoticeResponse) }},
	KindNotificationResponse: {"NotificationResponse", 'A', FromBackend, 6, maxLarge, func() Message { return new(NotificationResponse) }},
	KindTerminate:            {"Terminate", 'X', FromFrontend, 0, 0, func() Message { return new(Terminate) }},
}
