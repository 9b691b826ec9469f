#include "broker/channel/channel_pattern.h"

#include <re2/re2.h>

namespace lcg::broker {
namespace {

constexpr int64_t kMaxMemory = 1 << 20;  // bytes of one compiled expression and its caches
constexpr size_t kMaxExpression = 1024;  // bytes

}  // namespace

ChannelPattern::ChannelPattern(std::unique_ptr<re2::RE2> expression) : expression_(std::move(expression)) {}
ChannelPattern::~ChannelPattern() = default;

Result<ChannelPatternPtr> ChannelPattern::compile(std::string_view expression) {
  if (expression.size() > kMaxExpression) return Status(Code::kInvalid, "longer than 1024 bytes");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  auto compiled = std::make_unique<re2::RE2>(re2::StringPiece(expression.data(), expression.size()), options);
  if (!compiled->ok())  // "missing ): (abc" without the expression
    return Status(Code::kInvalid, compiled->error().substr(0, compiled->error().find(": ")));
  return ChannelPatternPtr(new ChannelPattern(std::move(compiled)));
}

bool ChannelPattern::matches(std::string_view name) const {
  return re2::RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *expression_);
}

}  // namespace lcg::broker
