// Package evidence makes the log evidence: whoever holds a signed checkpoint can tell
// later whether anything before it was changed, removed, added or moved.
//
// A Merkle tree (RFC 6962) grows over each of the streams ROSTER and ACTIVITY. Leaf n
// is the message at position n: its stream, position, subject, headers and body, as they
// are stored. So what is sealed is covered as ciphertext, and an erasure, which destroys
// a key and leaves the messages, changes no leaf. A checkpoint (the form is that of C2SP's
// tlog-checkpoint) says how many positions a tree covers and what its root is, signed
// with an ed25519 key as a signed note (C2SP's signed-note).
//
// A Follower reads the log behind all writers, keeps the tree's hashes as tiles, and
// signs. A Verifier, on another machine and with the public key alone, reads the log
// or an archive and computes everything anew.
//
// What is promised: of two logs that agree at a checkpoint's root all positions up to it
// are equal. What is not: anything of positions behind the last checkpoint, or of a log
// whose signing key its attacker had all along, unless an older checkpoint lies elsewhere.
package evidence
