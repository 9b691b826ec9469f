#include "gateway/fanout/recovery.h"

namespace lcg::gateway {

bool continues(uint64_t offset, std::string_view epoch, const Publication& publication) {
  if (offset == 0 || publication.offset == 0) return offset == publication.offset;
  return publication.offset == offset + 1 && publication.epoch == epoch;
}

StreamPosition position_after(const SubscribeResponse& answer) {
  if (answer.publications.empty()) return answer.position;
  return {answer.publications.back()->offset, answer.position.epoch};
}

bool answer_is_dense(const SubscribeResponse& answer) {
  uint64_t offset = answer.position.offset;
  for (const PublicationPtr& publication : answer.publications) {
    if (publication->offset != ++offset) return false;
  }
  return true;
}

}  // namespace lcg::gateway
