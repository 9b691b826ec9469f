// Parts of results that several methods write, exactly as the reference does: client-protocol 1.2 and 4.
#pragma once
#include "base/json_writer.h"
#include "broker/api/types.h"

namespace lcg::gateway::api {

// {"user":..,"client":..,"conn_info":..,"chan_info":..}: user and client always
void write_info(JsonWriter& json, const ClientInfo& info);
// {"data":..,"info":..,"offset":..,"tags":{..}}. Data that is no JSON is null, with its bytes in "b64data".
void write_publication(JsonWriter& json, const Publication& publication);
// "offset" and "epoch", each only when it says something
void write_position(JsonWriter& json, const StreamPosition& position);
// Unix milliseconds as seconds, never earlier than they are.
int64_t seconds_of(int64_t ms);
// Unix seconds as milliseconds; what would not fit is the end of time.
int64_t ms_of(int64_t seconds);

}  // namespace lcg::gateway::api
