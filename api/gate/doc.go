// Package gate is what every dialect shares between the wire and the commands:
// who is calling, what a command request carries, how a body is read, and how
// positions travel. A dialect translates paths, bodies and error texts; it
// never checks a secret itself.
//
// What is promised:
//   - Identify compares secrets in constant time and refuses expired, revoked,
//     suspended, deleted and unconfirmed accounts in every dialect alike. Its
//     errors are *Error with a closed set of reasons.
//   - A write that was authenticated by a cookie is refused when a browser says
//     that it comes from another site.
//   - ReadBody and ReadObject never hand on more than the limit, invalid UTF-8,
//     NUL characters, duplicate members or deep nesting. Their errors are
//     *BodyError and name the member.
//   - Wrote makes a later read by the same process wait for the write.
package gate
