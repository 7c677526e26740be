// Package events holds the facts of Roster: their types by aggregate, the
// envelope around them, their sealing, and the codec that turns them into
// messages and back.
//
// Promises of this package:
//
//   - An event type carries its version in its name. A released version never
//     changes; older versions are upcast here, on read, and nowhere else.
//   - Secrets and personal data leave this package sealed only (AES-256-GCM
//     under the data key of the person concerned). An event whose key is gone
//     decodes with every sealed member empty, and without an error.
//   - The package does no I/O and imports nothing else of Roster.
package events
