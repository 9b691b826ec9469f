// SPDX-License-Identifier: Apache-2.0
// elf_symbols.h: the dynamic symbols of a shared object, read from the file; nothing of it runs.
#pragma once
#include <string>
#include <vector>

namespace lcg::tools {

struct ElfSymbols {
  std::string error;  // not a 64-bit little-endian ELF shared object, truncated, ...; empty when read
  std::vector<std::string> exported;
  std::vector<std::string> undefined;  // strong ones that carry no version, so no library promises them
  std::vector<std::string> unique;     // STB_GNU_UNIQUE: shared between plugins even under RTLD_LOCAL
  std::vector<std::string> needed;     // DT_NEEDED
};

// Reads at most 256 MiB. Every offset in the file is checked before it is followed.
ElfSymbols read_elf_symbols(const std::string& path);

}  // namespace lcg::tools
