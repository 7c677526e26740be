// Package codimir serves the Codimir User API: profile, preferences, activity
// and statistics of the calling user under /api/user, and the NextAuth routes
// under /api/auth that its clients sign in with.
//
// Promises of this package:
//
//   - A success body has the member data (lists pagination too), an error body
//     the member error with code and message, and details where members of a
//     request were wrong. Unset members are left out, never null. The routes
//     under /api/auth answer as NextAuth 4 does.
//   - A read sees every write that was answered before it.
//   - A PUT is a merge, and idempotent: the same body again changes nothing and
//     leaves no second event.
//   - It holds no rules of the domain: it translates requests to commands and
//     queries, and their answers back.
package codimir
