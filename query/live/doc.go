// Package live sends activities to clients as they happen, and what they missed
// before.
//
// Promises of this package:
//
//   - A stream gets every activity that its filter selects and its caller may
//     read behind the position where it began, once, in order of position: first
//     from the read model, then live, with nothing missing and nothing twice
//     where the one becomes the other. Each is authorized for itself.
//   - One reader of the log serves all streams of the process; an activity is
//     opened and rendered once, and given to those whom an index by user names.
//   - A client that reads too slowly holds a bounded number of activities. Then
//     it is told so and cut off; it goes on by its last position.
//   - A stream ends within a second of the session or key behind it, the account
//     or the right, as far as the log can be heard. While it can not, credentials
//     are checked in the read model instead.
//   - Close tells every stream, waits for it to say so, and leaves nothing behind.
//
// How bytes reach a client is not decided here: a Sink takes whole frames.
package live
