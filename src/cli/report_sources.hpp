// SPDX-License-Identifier: GPL-2.0-or-later
// Where `farewell report` gets what it tells from.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <vector>

#include "cli/control_client.hpp"
#include "cli/judgement_options.hpp"
#include "page/document.hpp"
#include "replay/replay.hpp"

namespace farewell::cli {

struct CaptureRequest {
    std::vector<std::string> paths;
    bool together = false;
    bool quiet = false;
};

/// Judges captures; stderr is told of those that cannot be read. `document.inputs_total` is 0 if none could.
void tell_captures(const CaptureRequest& request, replay::Options judged_by, page::Document& document);

/// Asks the daemon for what has happened since so long ago; `document.made` is the end of that time.
[[nodiscard]] std::expected<void, CallFailure> tell_history(const ControlClient& daemon,
                                                            const std::string& since,
                                                            std::chrono::nanoseconds length,
                                                            page::Document& document);

}  // namespace farewell::cli
