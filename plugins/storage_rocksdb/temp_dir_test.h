// SPDX-License-Identifier: Apache-2.0
// A directory of its own for each test, gone with it.
#pragma once
#include <stdlib.h>

#include <filesystem>
#include <string>

namespace lcg::storage_rocksdb {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lcg-store-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace lcg::storage_rocksdb
