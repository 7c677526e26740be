package app

import (
	"os"
	"runtime"
)

// waitingForDisk is how many threads of the embedded broker mostly wait for the disk
// at a time: one writes ROSTER, another KEYS or ACTIVITY.
const waitingForDisk = 2

// addProcessors gives Go a processor more for each thread that waits for the disk: a
// system call keeps its processor until the runtime notices how long it takes, which is
// most of an fsync. On two cores this is a tenth more users moving in a second. It is
// for a program's main, once all is made that has its size by the number of cores.
func addProcessors() {
	if _, set := os.LookupEnv("GOMAXPROCS"); set {
		return
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + waitingForDisk)
}
