#include "appliance/check.h"

#include <unistd.h>

#include <algorithm>

#include "appliance/certificates.h"
#include "appliance/config.h"
#include "broker/host/loader.h"

namespace lcg {

CheckReport check_config(const std::string& path) {
  CheckReport report;
  report.readable = ::access(path.c_str(), R_OK) == 0;
  config::Document document = config::Document::load(path);
  const AppConfig config = AppConfig::read(document);
  report.problems = document.errors();
  report.effective = document.dump_effective();
  if (!document.ok()) return report;
  const auto& listen = config.gateway.listen;
  if (std::any_of(listen.begin(), listen.end(), [](const auto& entry) { return entry.tls; })) {
    const auto tls = load_certificates(config.gateway.certificates);
    if (!tls.ok()) report.problems.push_back(path + ": gateway.tls.certificates: " + tls.status().message());
  }
  host::Authorities authorities;
  for (const host::PluginSpec& plugin : config.broker.plugins) {
    const Result<host::LoadedPlugin> loaded =
        host::load_plugin(config.broker.host.dirs, plugin.name, plugin.file);
    if (!loaded.ok()) report.problems.push_back(path + ": plugins: " + loaded.status().message());
    const uint32_t wants = loaded.ok() ? loaded.value().ops.request_mask : 0;
    authorities.add(plugin.name, host::is_asked(plugin, wants, LCG_REQ_CONNECT), plugin.user_prefix,
                    plugin.user_prefix_where);
  }
  for (const std::string& fault : authorities.faults()) report.problems.push_back(fault);
  return report;
}

}  // namespace lcg
