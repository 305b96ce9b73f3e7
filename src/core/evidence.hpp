// SPDX-License-Identifier: GPL-2.0-or-later
// What a decision rests on, kept with the ban for `explain`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.hpp"
#include "core/classify.hpp"
#include "core/decide.hpp"
#include "core/port.hpp"
#include "core/time.hpp"

namespace farewell::core {

/// One closed port that a source tried.
struct TriedPort {
    Port port;
    std::optional<Rule> rule;  ///< nullopt: tried by a network; its addresses may each have had their own
    Weight weight = 0;
    Time seen;  ///< when it was last tried
};

/// Tools by bit: 1 << Tool.
using Tools = std::uint8_t;
[[nodiscard]] constexpr Tools bit_of(Tool tool) {
    return tool == Tool::none ? Tools{0} : static_cast<Tools>(1U << static_cast<unsigned>(tool));
}

/// Their names, in the order of the enumeration.
[[nodiscard]] std::vector<std::string_view> names_of(Tools tools);

/// A network around the source that was not banned, and how far it was from it: why no wider.
struct WiderNetwork {
    Prefix network;
    std::uint32_t weight = 0;  ///< in quarters of a point
    std::uint32_t threshold = 0;
};

/// What a TCP header shows of the stack that wrote it.
struct TcpStack {
    std::uint16_t window = 0;
    std::uint16_t option_bytes = 0;
    friend bool operator==(const TcpStack&, const TcpStack&) = default;
};

struct Evidence {
    Criterion criterion = Criterion::patient;
    std::vector<TriedPort> ports;  ///< in order of the first try; of a sweep: the one port
    std::uint32_t distinct = 0;    ///< ports, or of a sweep: hosts; `ports` may hold fewer
    std::uint32_t weight = 0;      ///< of all of them, in quarters of a point
    Tools tools = 0;               ///< what the probes looked like
    std::uint8_t ttl = 0;          ///< of the last probe
    std::optional<TcpStack> tcp;   ///< of the probe that decided; nullopt: it was not TCP
    std::string interface;         ///< where that came in; empty: not known
    bool is_proven = false;  ///< a handshake with this source was completed; otherwise it could be forged
    std::vector<Address> companions;     ///< tried the same at the same time: decoys, or whom they hide
    std::uint32_t sources_at_least = 1;  ///< addresses (of a /48: /64s) of a network that took part
    std::vector<WiderNetwork> wider;
};

/// Who is not banned, and how far it has come.
struct SourceStanding {
    Prefix source;
    Counted counted = Counted::ports;
    std::uint32_t distinct = 0;   ///< ports, or hosts
    std::uint32_t weight = 0;     ///< in quarters of a point
    std::uint32_t threshold = 0;  ///< points that ban it; by the plain rule: distinct ports
    double share = 0;             ///< of the threshold: 1 is a ban
    Tools tools = 0;
    std::uint8_t ttl = 0;
    bool is_proven = false;
    Time last;                ///< when it last tried anything
    std::vector<Port> ports;  ///< in order of the first try; none of sweeps, and where there are too many
};

}  // namespace farewell::core
