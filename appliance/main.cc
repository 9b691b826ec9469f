// lcg: the appliance: gateway and broker in one process, an embedded store, no other service needed.
//
// Foreground. SIGTERM and SIGINT drain and end it, a second one ends it at once; SIGHUP reloads. Exit
// statuses: appliance/exit_codes.h.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>

#include "appliance/app.h"
#include "appliance/exit_codes.h"
#include "appliance/notify.h"
#include "appliance/version.h"
#include "base/clock.h"
#include "base/text_hash.h"
#include "base/visible.h"
#include "broker/host/crash_note.h"

namespace {

using namespace lcg;

// Every thread inherits the block, so only main's sigwait sees them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return set;
}

// A gateway holds many sockets: as many as the hard limit allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

using Digests = std::map<std::string, uint64_t>;

// `started` is what the process runs with but for what reloads have taken over since, which `effective` has.
void reload(App& app, const std::string& path, const Digests& started, Digests& effective) {
  notify_service_manager("RELOADING=1");
  config::Document document = config::Document::load(path);
  const AppConfig config = AppConfig::read(document);
  if (!document.ok()) {
    for (const std::string& error : document.errors())
      log::error("configuration refused, the old one stays", {{"error", error}});
  } else {
    app.reload(config);
    const Digests now = document.digests();
    ConfigDiff diff = compare_configs(effective, now);
    diff.needs_restart = compare_configs(started, now).needs_restart;
    for (const std::string& key : diff.taken) log::info("configuration reloaded", {{"key", key}});
    for (const std::string& key : diff.needs_restart)
      log::warn("configuration changed, a restart is needed", {{"key", key}});
    if (diff.taken.empty() && diff.needs_restart.empty())
      log::info("configuration reloaded, nothing changed");
    effective = now;
  }
  notify_service_manager("READY=1");
}

int run(const std::string& path) {
  if (::access(path.c_str(), R_OK) != 0) {
    std::fprintf(stderr, "lcg: %s: cannot be read: %s\n", path.c_str(), std::strerror(errno));
    return exit_code::kNoConfig;
  }
  config::Document document = config::Document::load(path);
  const AppConfig config = AppConfig::read(document);
  if (!document.ok()) {
    for (const std::string& error : document.errors()) std::fprintf(stderr, "%s\n", visible(error).c_str());
    return exit_code::kConfig;
  }
  const Digests started = document.digests();
  Digests effective = started;

  const sigset_t signals = block_signals();
  host::install_crash_note();
  raise_descriptor_limit();
  log::set_level(config.log_level);
  log::set_format(config.log_format);
  log::start_writer();
  log::info(
      "starting",
      {{"version", kVersion}, {"lanes", config.lanes}, {"slots", config.broker.slots}, {"pid", ::getpid()}});

  App app(config);
  int code = exit_code::kOk;
  if (Status status = app.start(); !status.ok()) {
    log::error("could not start", {{"error", status.text()}});
    code = exit_code::kUnavailable;
  } else {
    log::info("ready");
    for (int signal = 0; signal != SIGTERM && signal != SIGINT;) {
      sigwait(&signals, &signal);
      if (signal == SIGHUP) reload(app, path, started, effective);
    }
    log::info("draining", {{"spread_ms", config.gateway.drain_spread.count()}});
    // From here a second signal ends the process at once.
    std::signal(SIGTERM, SIG_DFL);
    std::signal(SIGINT, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }
  if (Status status = app.stop(); !status.ok()) {
    log::error("did not stop in time", {{"error", status.text()}});
    log::stop_writer();
    ::_exit(exit_code::kSoftware);
  }
  log::info("stopped");
  log::stop_writer();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // Whatever this process writes is this user's alone: the store, keys, sockets.
  ::umask(0077);
  lcg::seed_text_hash(lcg::system_random().u64());
  CLI::App app{"The LCG appliance: long-connection gateway, broker and group chat in one process"};
  std::string path = "/etc/lcg/lcg.yaml";
  app.add_option("-c,--config", path, "The configuration file")->capture_default_str();
  app.set_version_flag("--version", kVersion);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_code::kOk : exit_code::kUsage;
  }
  return run(path);
}
