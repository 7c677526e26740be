// Package pm415 speaks the account, organization and user calls of the API of PM415
// ("Open Source PM Tools").
//
// What is promised: every success says "success":true; every error has four flat
// members (statusCode, error, message, success), whatever went wrong; texts are
// those that PM415's browser client shows to people. No password and no key but the
// caller's own is ever part of an answer.
package pm415
