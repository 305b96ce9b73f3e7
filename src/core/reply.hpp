// SPDX-License-Identifier: GPL-2.0-or-later
// Whether a UDP packet is an answer, judged by the port it comes from and what it says. Answers that come
// after the question was forgotten reach closed ports; they are not probes.
#pragma once

#include "core/decode.hpp"
#include "core/knowledge.hpp"

namespace farewell::core {

/// For UDP. An empty payload or a request is never an answer, so a scan from port 53 is none.
[[nodiscard]] bool is_reply(const Packet& packet, const Knowledge& knowledge);

}  // namespace farewell::core
