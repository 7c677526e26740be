// Package housekeeping does what nobody asks for: it puts accounts to sleep that
// were not used for long, takes sessions and keys off the lists that ended long ago,
// and finishes erasures that a killed process began.
//
// What is promised:
//   - An account sleeps only when neither the read model nor the log knows of a
//     use within the dormancy period. Uses are known at hourly accuracy.
//   - No session or key leaves the lists that could still be used: the log decides, by
//     the newest uses, a day after the end of a session at the earliest.
//   - A read model that is behind puts nobody to sleep and sweeps nothing: the sweep
//     ends and is made again later.
//   - Of all processes one sweeps at a time. Two that did would change nothing
//     twice: who sleeps already is left alone.
package housekeeping
