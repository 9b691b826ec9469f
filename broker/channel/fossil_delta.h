// Fossil deltas: how a publication is told as the difference from the one before it.
//
//   <size of the target> '\n' { <count> '@' <offset in the source> ',' | <count> ':' <bytes> } <checksum> ';'
//
// Numbers are base 64 (0-9A-Z_a-z~), most significant digit first; the checksum is the sum modulo 2^32 of the
// target's big-endian 32-bit words, the last one padded with zeros. Source: fossil-scm.org, delta_format;
// client-protocol 2. Every stock SDK applies them.
//
// Making one takes time and memory linear in both texts, whatever they hold: an index of the source, at most
// kMaxProbes looks into it for a place of the target, and what a look compares is paid for by the copy it
// leads to. Of two UTF-8 texts the delta is UTF-8 too (no copy begins or ends inside a character), so that it
// can be the string that JSON clients are sent.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::broker {

inline constexpr size_t kMaxDeltaText = 256u << 10;  // bytes of source or target; over it none is made

// Makes deltas; keeps its working memory between them (192 KiB at most). One
// lane.
class DeltaMaker {
 public:
  // Puts into `out` what makes `target` of `source`. False: it would not be smaller than the target, or one of
  // the texts is too long; `out` then holds nothing of use.
  bool make(std::string_view source, std::string_view target, std::string& out);

 private:
  struct Match {
    size_t source = 0, target = 0, size = 0;
  };
  void index(std::string_view source);
  Match best_match(std::string_view source, std::string_view target, size_t at, size_t written,
                   size_t expected) const;

  size_t stride_ = 1;  // between the places of the source that are indexed
  unsigned hash_bits_ = 0;
  std::vector<uint32_t> newest_;   // by hash: the last place with it, in strides
  std::vector<uint32_t> earlier_;  // by place: the one before with the same hash
};

// The target. Nothing: not a delta, not of this source, or over `max_size` bytes.
std::optional<std::string> apply_fossil_delta(std::string_view source, std::string_view delta,
                                              size_t max_size);

}  // namespace lcg::broker
