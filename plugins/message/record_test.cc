// SPDX-License-Identifier: Apache-2.0
#include "plugins/message/record.h"

#include <gmock/gmock.h>

namespace lcg::message {
namespace {

TEST(Record, SurvivesTheStore) {
  Record r;
  r.id = make_id(1'800'000'000'000, 3, 1);
  r.key = {"ann", "pc", 2, "d", 7};
  r.kind = chat::Kind::kEdit;
  r.type = "text";
  r.status = Status::kConfirmed;
  r.attempt = 2;
  r.created_ms = 5;
  r.updated_ms = 6;
  r.body = "\"hi\"";
  r.body_bytes = 4;
  r.position = {r.id, 9, 8, 7, 6};
  r.target = 11;
  r.edited = true;
  Record back;

  ASSERT_TRUE(decode(encode(r), back));

  EXPECT_EQ(encode(back), encode(r));
  EXPECT_EQ(back.key.dialog, "d");
  EXPECT_EQ(back.position.dseq, 9u);
}

TEST(Record, DamageIsNoticed) {
  const std::string good = encode(Record{});
  Record r;
  for (size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode(good.substr(0, size), r)) << size;
}

TEST(StorageKey, OrdersByNumberWithinADevice) {
  const chat::Key one{"ann", "pc", 1, "d", 255}, two{"ann", "pc", 1, "d", 256}, other{"ann", "pc", 2, "d", 1};
  EXPECT_LT(storage_key(one), storage_key(two));
  EXPECT_LT(storage_key(two), storage_key(other));
}

TEST(StorageKey, PartsDoNotRunIntoEachOther) {
  EXPECT_NE(storage_key({"ab", "c", 1, "d", 1}), storage_key({"a", "bc", 1, "d", 1}));
}

TEST(ContentHash, IsOfEverythingTheSenderChose) {
  SendRequest base;
  base.body = "1";
  SendRequest type = base, body = base, target = base, kind = base;
  type.type = "image";
  body.body = "2";
  target.target = 1;
  kind.kind = chat::Kind::kEdit;

  for (const SendRequest& other : {type, body, target, kind})
    EXPECT_NE(content_hash(other), content_hash(base));
  EXPECT_EQ(content_hash(base), content_hash(SendRequest(base)));
}

}  // namespace
}  // namespace lcg::message
