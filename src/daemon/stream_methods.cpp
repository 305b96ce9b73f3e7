// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/stream_methods.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/control_answer.hpp"
#include "daemon/event_query.hpp"
#include "report/control_protocol.hpp"

namespace farewell::daemon {

using nlohmann::json;
namespace error = report::control::error;
namespace method = report::control::method;

bool StreamMethods::follow(const json& request, std::shared_ptr<AnswerStream> stream) {
    const std::string name = text_of(request, "method").value_or("");
    if (name == method::kWatch) {
        pictures_.follow(std::move(stream));
        return true;
    }
    if (name != method::kFollowEvents) {
        return false;
    }
    const json parameters = request.value("parameters", json::object());
    if (!parameters.is_object()) {
        stream->end(failure(error::kInvalidRequest, "parameters must be an object"));
        return true;
    }
    const auto query = event_query_of(parameters, EventFeed::kPastMax);
    if (!query) {
        stream->end(query.error());
        return true;
    }
    events_.follow(*query, std::move(stream));
    return true;
}

}  // namespace farewell::daemon
