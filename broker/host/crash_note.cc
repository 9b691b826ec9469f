#include "broker/host/crash_note.h"

#include <signal.h>
#include <unistd.h>

#include <initializer_list>

namespace lcg::host {
namespace {

struct Note {
  const char* plugin;
  const char* callback;
};
thread_local constinit Note t_note{nullptr, nullptr};

// Async-signal-safe: a buffer on the stack and one write.
class Line {
 public:
  Line& operator<<(const char* text) {
    for (; *text != '\0' && size_ < sizeof data_; ++text) data_[size_++] = *text;
    return *this;
  }
  void print() const {
    const ssize_t written = ::write(STDERR_FILENO, data_, size_);
    static_cast<void>(written);  // nobody is left to tell
  }

 private:
  char data_[256];
  size_t size_ = 0;
};

// Installed with SA_RESETHAND: when it returns, the instruction or raise() that brought it here ends the
// process.
extern "C" void note_crash(int signal) {
  const Note note = t_note;
  if (note.plugin != nullptr) {
    const char number[] = {static_cast<char>('0' + signal / 10 % 10), static_cast<char>('0' + signal % 10),
                           '\0'};
    (Line() << "lcg: killed by signal " << (signal < 10 ? number + 1 : number) << " inside plugin '"
            << note.plugin << "', in its " << note.callback << "\n")
        .print();
  }
  ::raise(signal);  // pending until the handler returns: also ends what would not fault again
}

}  // namespace

void install_crash_note() {
  struct sigaction action {};
  action.sa_handler = &note_crash;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) ::sigaction(signal, &action, nullptr);
}

CrashNote::CrashNote(const char* plugin, const char* callback) { t_note = {plugin, callback}; }
CrashNote::~CrashNote() { t_note = {nullptr, nullptr}; }

}  // namespace lcg::host
