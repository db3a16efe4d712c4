package faults

import "syscall"

const terminate = syscall.SIGTERM
