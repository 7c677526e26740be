// Package commands decides what may become a fact about a user, or about an
// organization, a workspace, a group or a skill.
//
// One write goes this way: a method of Service checks the form of what was
// asked, the executor loads the user's state, authorizes by the policy table,
// lets the pure function decideUser decide, appends the decision to the log
// with optimistic concurrency, and folds it in with evolveUser. What is no user
// goes the same way through perform, with the decide and evolve of its kind.
//
// Promises of this package:
//
//   - A method that returns without an error has stored its whole decision: all
//     its events and claims, or nothing had to be stored. A method that returns
//     an *Error has stored nothing, except for code Unavailable, after which the
//     outcome is unknown and a repeat with the same idempotency key is safe.
//   - Every decision was made on the newest state: an append checks that, and a
//     decision without events is checked against the stream's leader.
//   - A repeat with the same idempotency key within 24 hours is answered as the
//     first time, also from another process; secrets are not shown twice.
//   - Usernames, e-mail addresses and identities have at most one live user each,
//     names of organizations and workspaces one live bearer; an installation that
//     has an active owner keeps at least one, and who owns a live workspace is not
//     deleted. An organization keeps an admin where the caller asks for that.
//   - Every event tells who caused it, when, from which address (sealed for that
//     person) and, where the caller gave a reason or nobody asked, why.
//
// decideUser and evolveUser do no I/O and read no clock; time, ids, hashes and
// looked-up claims come in with the command. States are shared between
// goroutines and never changed in place: whoever gets a User must not write to
// its maps and slices.
package commands
