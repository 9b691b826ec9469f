// SPDX-License-Identifier: Apache-2.0
// lcg-plugin-check: what a broker would say about a plugin file, without a broker.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/sdk/testing/descriptor_check.h"
#include "plugins/sdk/testing/fake_host.h"
#include "plugins/sdk/tools/elf_symbols.h"
#include "plugins/sdk/tools/yaml_settings.h"

namespace {

constexpr char kHelp[] = R"(NAME
    lcg-plugin-check - check a plugin for the lcg broker

SYNOPSIS
    lcg-plugin-check [--no-run] [--config FILE] [--set KEY=VALUE]... [--instances N] [--verbose] PLUGIN.so
    lcg-plugin-check --help

DESCRIPTION
    Reads a plugin as a broker would before it trusts it, then creates, starts, stops and destroys it in a fake host: one thread,
    virtual time, the service "storage" in memory, every other service unavailable. It runs in a child process, at most 60 s.

    Read from the file, before any of its code runs:
        it exports lcg_plugin_descriptor and nothing else
        it needs no symbol that none of its libraries provides
    Read from the descriptor:
        magic, major and minor, struct sizes, name, version, license
        create, start, stop and destroy are there; handlers match request_mask and provides
    Shown by running it:
        create succeeds with the settings given; start and stop are answered once, in time
        no setting given is one it never read (a typo)

OPTIONS
    --no-run         Read only; create nothing. The descriptor function itself is called: it returns constant data.
    --config FILE    The plugin's own section as a YAML file.
    --set KEY=VALUE  One setting by dotted path, e.g. --set pool.size=4. Wins over --config.
    --instances N    Create N instances, 1 to 64. Default 1.
    --verbose        Also print what the plugin logs below warn, and the libraries it needs.

EXIT STATUS
    0   the plugin is sound
    1   it is not; each finding is one line on standard error
    2   the command line or the settings file is wrong

EXAMPLE
    lcg-plugin-check --set prefix=">" build/echo.so
)";

// Of the child that runs the plugin.
constexpr unsigned kMaxRunSeconds = 60;

struct Arguments {
  bool run = true, verbose = false;
  std::string file, config;
  std::vector<std::string> settings;
  uint32_t instances = 1;
};

[[noreturn]] void usage(const std::string& what) {
  std::fprintf(stderr, "lcg-plugin-check: %s\nTry 'lcg-plugin-check --help'.\n", what.c_str());
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments out;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) usage(std::string(word) + " needs a value");
      return argv[++i];
    };
    if (word == "--help" || word == "-h") {
      std::fputs(kHelp, stdout);
      std::exit(0);
    } else if (word == "--no-run") {
      out.run = false;
    } else if (word == "--verbose") {
      out.verbose = true;
    } else if (word == "--config") {
      out.config = value();
    } else if (word == "--set") {
      out.settings.push_back(value());
    } else if (word == "--instances") {
      const std::string text = value();
      int count = 0;
      const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), count);
      if (wrong != std::errc() || end != text.data() + text.size() || count < 1 || count > 64)
        usage("--instances must be 1 to 64");
      out.instances = static_cast<uint32_t>(count);
    } else if (word.substr(0, 1) == "-" || !out.file.empty()) {
      usage("unexpected " + std::string(word));
    } else {
      out.file = word;
    }
  }
  if (out.file.empty()) usage("which plugin?");
  return out;
}

lcg::testing::Config settings_of(const Arguments& arguments) {
  lcg::testing::Config config;
  if (!arguments.config.empty()) {
    try {
      config = lcg::tools::read_settings(arguments.config);
    } catch (const std::exception& e) {
      usage(e.what());
    }
  }
  for (const std::string& setting : arguments.settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) usage("--set " + setting + ": expected KEY=VALUE");
    config[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  return config;
}

class Report {
 public:
  explicit Report(std::string file) : file_(std::move(file)) {}
  void finding(const std::string& text) {
    ++findings_;
    std::fprintf(stderr, "%s: %s\n", file_.c_str(), text.c_str());
  }
  void reported_elsewhere() { ++findings_; }
  bool clean() const { return findings_ == 0; }

 private:
  std::string file_;
  int findings_ = 0;
};

std::string join(const std::vector<std::string>& names, size_t limit = 8) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), limit); ++i) out += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > limit) out += ", and " + std::to_string(names.size() - limit) + " more";
  return out;
}

void check_symbols(const Arguments& arguments, Report& report) {
  const lcg::tools::ElfSymbols symbols = lcg::tools::read_elf_symbols(arguments.file);
  if (!symbols.error.empty()) {
    report.finding(symbols.error);
    return;
  }
  std::vector<std::string> extra = symbols.exported;
  std::erase(extra, "lcg_plugin_descriptor");
  if (extra.size() == symbols.exported.size())
    report.finding(
        "does not export lcg_plugin_descriptor: end it with LCG_PLUGIN, or define the function with "
        "LCG_EXPORT");
  if (!extra.empty())
    report.finding("exports more than lcg_plugin_descriptor: " + join(extra) +
                   "; build it with add_lcg_plugin, or link with its version script");
  if (!symbols.unique.empty())
    report.finding("has symbols that all plugins would share: " + join(symbols.unique) +
                   "; compile with -fno-gnu-unique");
  // Sanitizers bind to the runtime of the program that loads them.
  std::vector<std::string> undefined = symbols.undefined;
  std::erase_if(undefined, [](const std::string& name) {
    return name.rfind("__asan", 0) == 0 || name.rfind("__ubsan", 0) == 0 || name.rfind("__tsan", 0) == 0 ||
           name.rfind("__sanitizer", 0) == 0 || name.rfind("__lsan", 0) == 0;
  });
  if (!undefined.empty() && symbols.needed.empty())
    report.finding("needs symbols no library provides: " + join(undefined) +
                   "; link with -Wl,-z,defs to see where");
  if (arguments.verbose) std::printf("needs: %s\n", join(symbols.needed, 32).c_str());
}

void run(const Arguments& arguments, const lcg::testing::Config& config, const lcg_descriptor* descriptor,
         Report& report) {
  lcg::testing::Options options;
  options.real_wait_ms = 1000;  // a plugin may start threads of its own
  auto* host = new lcg::testing::FakeHost(options);
  bool stopped = false;
  try {
    host->load(descriptor, config, arguments.instances);
    for (const std::string& key : host->unread_config(descriptor->name))
      report.finding("setting " + key + " was never read during create: a typo?");
    host->run();
    host->stop();
    stopped = true;
  } catch (const lcg::testing::PluginError& e) {
    report.finding(e.what());
  }
  if (host->stale_replies() > 0)
    report.finding("answered a token twice or after it had expired (" +
                   std::to_string(host->stale_replies()) + " times)");
  if (host->open_requests() > 0) report.finding("left a token of start or stop unanswered");
  for (const lcg::testing::LogRecord& line : host->logs())
    if (line.level >= 3 || arguments.verbose)
      std::printf("log %u %s: %s\n", line.level, line.plugin.c_str(), line.text.c_str());
  // After a failed stop the plugin's threads may still use the host: both stay until the process ends.
  if (stopped) delete host;
}

// In a child: a plugin that crashes or never returns takes nothing else with it.
void run_contained(const Arguments& arguments, const lcg::testing::Config& config,
                   const lcg_descriptor* descriptor, Report& report) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child < 0) {
    report.finding("cannot be run: fork failed");
    return;
  }
  if (child == 0) {
    alarm(kMaxRunSeconds);
    run(arguments, config, descriptor, report);
    std::fflush(stdout);
    // No static destructor of the plugin's libraries needs to run, and after a failed stop none may.
    std::_Exit(report.clean() ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
    report.finding("did not return within " + std::to_string(kMaxRunSeconds) + " s of real time");
  else if (WIFSIGNALED(status))
    report.finding("was killed by signal " + std::to_string(WTERMSIG(status)) + " while it ran: it crashed");
  else if (WEXITSTATUS(status) != 0)
    report.reported_elsewhere();
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments arguments = parse(argc, argv);
  const lcg::testing::Config config = settings_of(arguments);
  Report report(arguments.file);
  check_symbols(arguments, report);

  const std::string path =
      arguments.file.find('/') == std::string::npos ? "./" + arguments.file : arguments.file;
  void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    report.finding(std::string("cannot be loaded: ") + dlerror());
    return 1;
  }
  using DescriptorFn = const lcg_descriptor* (*)();
  const auto function = reinterpret_cast<DescriptorFn>(dlsym(library, "lcg_plugin_descriptor"));
  if (function == nullptr) return 1;  // reported by check_symbols

  const lcg_descriptor* const descriptor = function();
  const std::string refusal = lcg::testing::check_descriptor(descriptor);
  if (!refusal.empty()) {
    report.finding(refusal);
    return 1;
  }
  if (arguments.run) run_contained(arguments, config, descriptor, report);
  if (report.clean())
    std::printf("%s %s (%s), ABI %u.%u, provides \"%s\": sound%s\n", descriptor->name, descriptor->version,
                descriptor->license, descriptor->abi_major, descriptor->abi_minor, descriptor->provides,
                arguments.run ? "" : " as far as reading shows");
  return report.clean() ? 0 : 1;
}
