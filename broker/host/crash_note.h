// CrashNote: when the process dies inside a plugin, the last line on stderr says in which one.
//
// A plugin runs in our process, so a fault of its takes all along; what can be done is to name it, for the
// journal and for whoever reads the core. A thread notes where it enters; the handler of a fatal signal reads
// that note.
#pragma once

namespace lcg::host {

// Main's, once: for SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT writes
//   lcg: killed by signal 11 inside plugin 'uaa', in its create
// and lets the signal take its usual course. Without a plugin on the thread's stack nothing is written.
void install_crash_note();

// Says that this thread is inside `callback` of `plugin` until it is destroyed. Both texts outlive it. Any
// thread.
class CrashNote {
 public:
  CrashNote(const char* plugin, const char* callback);
  ~CrashNote();
  CrashNote(const CrashNote&) = delete;
  CrashNote& operator=(const CrashNote&) = delete;
};

}  // namespace lcg::host
