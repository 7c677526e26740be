// Package housekeeping does what nobody asks for: it puts accounts to sleep that
// were not used for long, and finishes erasures that a killed process began.
//
// What is promised:
//   - An account sleeps only when neither the read model nor the log knows of a
//     use within the dormancy period. Uses are known at hourly accuracy.
//   - A read model that is behind puts nobody to sleep: the sweep ends and is made
//     again later.
//   - Of all processes one sweeps at a time. Two that did would change nothing
//     twice: who sleeps already is left alone.
package housekeeping
