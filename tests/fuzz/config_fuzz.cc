// The YAML reader against any bytes: errors are collected, nothing is thrown, every error names a place.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lcg;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  // No file of the machine is opened and no variable of it read.
  if (text.find("${") != std::string_view::npos) return 0;

  config::Document doc = config::Document::parse(text, "f.yaml");
  config::Section root = doc.root();
  std::string word;
  int number = 0;
  bool flag = false;
  double real = 0;
  size_t bytes = 0;
  Millis wait{0};
  std::vector<std::string> list;
  std::map<std::string, std::string> map;
  root.get("a", word);
  root.get("a", number, 1, 100);
  root.get("a", flag);
  root.get("a", real);
  root.get_size("a", bytes);
  root.get("a", wait);
  root.get("b", list);
  root.get("b", map);
  for (config::Section& entry : root.list("c")) entry.get("a", word);
  for (auto& [name, section] : root.named("d")) section.get("a", word);
  config::Scalars scalars = root.section("e").scalars();
  scalars.scalar("x.0.y");
  scalars.scalar("#");
  scalars.unread();
  root.finish();
  doc.dump_effective();
  for (const std::string& line : doc.errors()) {
    if (!line.starts_with("f.yaml:")) std::abort();
  }
  return 0;
}
