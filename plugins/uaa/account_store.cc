// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/account_store.h"

namespace lcg::uaa {
namespace {

const std::string kPasswordKey = "password";
const std::string kNameCollection = "uaa_name";  // partition: the id in lower case
const std::string kOwnerKey = "owner";

std::string name_of(std::string_view collection) { return std::string(collection); }

template <class T>
Outcome<Stored<T>> read(Reply reply) {
  Outcome<Stored<T>> out{reply.status, std::move(reply.message), {}};
  if (!out.ok()) return out;
  if (decode(reply.data, out.value.record)) {
    out.value.bytes = std::move(reply.data);
  } else {
    out.status = LCG_E_INTERNAL;
    out.message = "a stored record cannot be read";
  }
  return out;
}

}  // namespace

Task<Outcome<Stored<PasswordRecord>>> AccountStore::password(std::string user) const {
  Reply reply = co_await storage_.get(std::move(user), name_of(kPasswordCollection), kPasswordKey);
  co_return read<PasswordRecord>(std::move(reply));
}

Task<Reply> AccountStore::create_password(std::string user, PasswordRecord record) const {
  storage::Batch batch;
  batch.require_absent(name_of(kPasswordCollection), kPasswordKey);
  batch.put(name_of(kPasswordCollection), kPasswordKey, encode(record));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Reply> AccountStore::erase_password(std::string user) const {
  storage::Batch batch;
  batch.erase(name_of(kPasswordCollection), kPasswordKey);
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Reply> AccountStore::name_owner(std::string folded) const {
  co_return co_await storage_.get(std::move(folded), kNameCollection, kOwnerKey);
}

Task<Reply> AccountStore::claim_name(std::string folded, std::string user, std::string before) const {
  storage::Batch batch;
  if (before.empty()) {
    batch.require_absent(kNameCollection, kOwnerKey);
  } else {
    batch.require_equals(kNameCollection, kOwnerKey, std::move(before));
  }
  batch.put(kNameCollection, kOwnerKey, std::move(user));
  co_return co_await storage_.commit(std::move(folded), std::move(batch));
}

Task<Reply> AccountStore::give_up_name(std::string folded, std::string user) const {
  storage::Batch batch;
  batch.require_equals(kNameCollection, kOwnerKey, std::move(user));
  batch.erase(kNameCollection, kOwnerKey);
  co_return co_await storage_.commit(std::move(folded), std::move(batch));
}

Task<Reply> AccountStore::replace_password(std::string user, std::string old_bytes,
                                           PasswordRecord record) const {
  storage::Batch batch;
  batch.require_equals(name_of(kPasswordCollection), kPasswordKey, std::move(old_bytes));
  batch.put(name_of(kPasswordCollection), kPasswordKey, encode(record));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Outcome<Stored<LoginRecord>>> AccountStore::login(std::string user, std::string auth_id) const {
  Reply reply = co_await storage_.get(std::move(user), name_of(kLoginCollection), std::move(auth_id));
  co_return read<LoginRecord>(std::move(reply));
}

Task<Outcome<std::vector<Login>>> AccountStore::logins(std::string user) const {
  storage::Scan scan;
  scan.collection = kLoginCollection;
  scan.limit = kMaxLogins;
  Outcome<storage::ScanRows> rows = co_await storage_.scan(std::move(user), std::move(scan));
  Outcome<std::vector<Login>> out{rows.status, std::move(rows.message), {}};
  for (storage::Row& row : rows.value.rows) {
    Login login{std::move(row.key), {}};
    // One that cannot be read has no owner who could use it: it is listed as expired long ago.
    if (!decode(row.value, login.record)) login.record = {};
    out.value.push_back(std::move(login));
  }
  co_return out;
}

Task<Reply> AccountStore::add_login(std::string user, Login login, std::vector<std::string> erased) const {
  storage::Batch batch;
  batch.require_absent(name_of(kLoginCollection), login.auth_id);
  for (std::string& auth_id : erased) batch.erase(name_of(kLoginCollection), std::move(auth_id));
  batch.put(name_of(kLoginCollection), std::move(login.auth_id), encode(login.record));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Reply> AccountStore::replace_login(std::string user, Login login, std::string old_bytes) const {
  storage::Batch batch;
  batch.require_equals(name_of(kLoginCollection), login.auth_id, std::move(old_bytes));
  batch.put(name_of(kLoginCollection), std::move(login.auth_id), encode(login.record));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Reply> AccountStore::erase_logins(std::string user, std::vector<std::string> auth_ids) const {
  storage::Batch batch;
  for (std::string& auth_id : auth_ids) batch.erase(name_of(kLoginCollection), std::move(auth_id));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

}  // namespace lcg::uaa
