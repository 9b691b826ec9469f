// SPDX-License-Identifier: Apache-2.0
#include <vector>

#include "lcg/plugin.hpp"

// Refuses or masks words, in plain channels and in dialogs, and lets nobody do what they may not do anyway.
class WordFilter {
 public:
  explicit WordFilter(lcg::Host host)
      : words_(host.config_list("words")), mask_(host.config_bool("mask", false)) {}

  // A client publishes to a channel.
  lcg::Task<lcg::Reply> on_publish(lcg::Request request) { co_return judge(std::move(request.data)); }
  // A message, an edit or a reaction is about to become a part of a dialog, whichever way it came.
  lcg::Task<lcg::Reply> before_commit(lcg::Commit commit) { co_return judge(std::move(commit.data)); }

 private:
  // `text` is JSON. A real filter parses it: here a word may also be the name of a member.
  lcg::Reply judge(std::string text) const {
    bool masked = false;
    for (const std::string& word : words_) {
      for (size_t at = 0; !word.empty() && (at = text.find(word, at)) != std::string::npos; masked = true) {
        if (!mask_) return lcg::Reply::error(LCG_E_DENIED, "mind your words", 1600);
        text.replace(at, word.size(), std::string(word.size(), '*'));
      }
    }
    if (masked) return lcg::Reply::with(std::move(text));  // no objection to this
    return {};                                             // no objection
  }

  const std::vector<std::string> words_;
  const bool mask_;
};

LCG_PLUGIN(WordFilter, "word_filter", "1.0.0", "Apache-2.0")
