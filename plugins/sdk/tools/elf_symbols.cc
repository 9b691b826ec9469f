// SPDX-License-Identifier: Apache-2.0
#include "plugins/sdk/tools/elf_symbols.h"

#include <elf.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>

namespace lcg::tools {
namespace {

constexpr size_t kMaxFileBytes = 256u << 20;

// The file's bytes, and reads that cannot leave them.
class File {
 public:
  explicit File(std::string bytes) : bytes_(std::move(bytes)) {}
  template <class T>
  bool read(uint64_t offset, T& out) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return false;
    std::memcpy(&out, bytes_.data() + offset, sizeof(T));
    return true;
  }
  std::string text(uint64_t offset) const {
    if (offset >= bytes_.size()) return {};
    const size_t end = bytes_.find('\0', offset);
    return end == std::string::npos ? std::string() : bytes_.substr(offset, end - offset);
  }

 private:
  std::string bytes_;
};

bool find_section(const File& file, const Elf64_Ehdr& header, uint32_t type, Elf64_Shdr& out) {
  for (uint64_t i = 0; i < header.e_shnum; ++i)
    if (file.read(header.e_shoff + i * header.e_shentsize, out) && out.sh_type == type) return true;
  return false;
}

}  // namespace

ElfSymbols read_elf_symbols(const std::string& path) {
  ElfSymbols out;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    out.error = "cannot be opened";
    return out;
  }
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  if (bytes.size() > kMaxFileBytes) {
    out.error = "is larger than 256 MiB";
    return out;
  }
  const File file(std::move(bytes));
  Elf64_Ehdr header;
  if (!file.read(0, header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    out.error = "is no ELF file";
    return out;
  }
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
      header.e_type != ET_DYN) {
    out.error = "is no 64-bit shared object";
    return out;
  }
  Elf64_Shdr symbols, strings;
  if (!find_section(file, header, SHT_DYNSYM, symbols) ||
      !file.read(header.e_shoff + uint64_t{symbols.sh_link} * header.e_shentsize, strings)) {
    out.error = "has no dynamic symbol table";
    return out;
  }
  Elf64_Shdr versions{};
  const bool has_versions = find_section(file, header, SHT_GNU_versym, versions);

  for (uint64_t i = 1; i < symbols.sh_size / sizeof(Elf64_Sym); ++i) {
    Elf64_Sym symbol;
    if (!file.read(symbols.sh_offset + i * sizeof symbol, symbol)) break;
    const std::string name = file.text(strings.sh_offset + symbol.st_name);
    const unsigned bind = ELF64_ST_BIND(symbol.st_info);
    if (symbol.st_shndx == SHN_UNDEF) {
      uint16_t version = VER_NDX_GLOBAL;
      if (has_versions) file.read(versions.sh_offset + i * sizeof version, version);
      if (bind == STB_GLOBAL && (version & 0x7fff) <= VER_NDX_GLOBAL) out.undefined.push_back(name);
    } else if (bind != STB_LOCAL && symbol.st_shndx != SHN_ABS) {
      out.exported.push_back(name);
      if (bind == STB_GNU_UNIQUE) out.unique.push_back(name);
    }
  }

  Elf64_Shdr dynamic;
  if (find_section(file, header, SHT_DYNAMIC, dynamic))
    for (uint64_t i = 0; i < dynamic.sh_size / sizeof(Elf64_Dyn); ++i) {
      Elf64_Dyn entry;
      if (!file.read(dynamic.sh_offset + i * sizeof entry, entry) || entry.d_tag == DT_NULL) break;
      if (entry.d_tag == DT_NEEDED) out.needed.push_back(file.text(strings.sh_offset + entry.d_un.d_val));
    }
  return out;
}

}  // namespace lcg::tools
