// SPDX-License-Identifier: GPL-2.0-or-later
// Which tool a probe looks like, by what no ordinary network stack writes into a header. It names the tool in
// the evidence and tells a raw scanner's stack from an ordinary one; it is never a reason to ban by itself.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/decode.hpp"

namespace farewell::core {

enum class Tool : std::uint8_t {
    none,         ///< an ordinary stack, or nothing to tell by (nmap -sT, -sU)
    nmap,         ///< -sS, -sA, -sN and its like
    masscan,      ///< the IP id is made of destination and sequence number
    zmap,         ///< before 4.1: IP id 54321
    zmap_modern,  ///< since 4.1: an ordinary stack's options without DF; so may a middlebox make them
    hping3,       ///< window 512 and no options
    mirai,        ///< the sequence number is the destination address
    raw,          ///< a SYN without any option, which no ordinary stack sends
};
inline constexpr std::uint8_t kTools = 8;
[[nodiscard]] std::string_view name_of(Tool tool);

/// By one TCP packet; none for everything else.
[[nodiscard]] Tool tool_of(const Packet& packet);

/// Whether the tool writes its packets itself, past the host's stack, so surely that a probe of it weighs
/// more.
[[nodiscard]] constexpr bool is_raw_stack(Tool tool) {
    return tool != Tool::none && tool != Tool::zmap_modern;
}

}  // namespace farewell::core
