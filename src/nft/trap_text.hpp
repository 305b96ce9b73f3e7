// SPDX-License-Identifier: GPL-2.0-or-later
// The trap as nftables text: chains that find packets for closed ports by asking for a socket, tell farewell
// of them and pass them on, that hold what would answer a scanner, and that stop a fast one until farewell
// has judged it (docs/trap.md). Pure; the table is ruleset.hpp's.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nft/brake.hpp"

namespace farewell::nft {

/// Whose first packet to an open port is held until the sender repeats it.
enum class Hesitation : std::uint8_t {
    off,
    suspects,  ///< of sources that have just tried a closed port, or try several open ones at once
    bare,      ///< of these, and of every TCP stack that does not offer selective acknowledgements
};

[[nodiscard]] constexpr std::string_view name_of(Hesitation hesitation) {
    switch (hesitation) {
        case Hesitation::off:
            return "off";
        case Hesitation::suspects:
            return "suspects";
        case Hesitation::bare:
            return "bare";
    }
    return "unknown";
}

/// `log group N`: farewell looks on.
struct LogGroup {
    std::uint16_t number = 0;
    friend bool operator==(const LogGroup&, const LogGroup&) = default;
};
/// `queue`, one of a range for each source; passed on if nobody listens.
struct Queues {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    friend bool operator==(const Queues&, const Queues&) = default;
};

struct Trap {
    std::variant<LogGroup, Queues> report = {};
    Hesitation hesitation = Hesitation::bare;
    std::chrono::milliseconds hold{3000};  ///< for how long a packet to a closed port makes a suspect
    /// Networks behind this host whose closed ports are watched as well, as nft writes them, none
    /// overlapping.
    std::vector<std::string> forward4 = {};
    std::vector<std::string> forward6 = {};
    friend bool operator==(const Trap&, const Trap&) = default;
};

/// Elements of each of the trap's sets; docs/trap.md says what happens when one is full.
inline constexpr int kTrapSetSize = 65'536;

/// Makes the trap be there, in a table that has the allow sets; what its sets hold stays.
[[nodiscard]] std::string trap_text(std::string_view table, const Trap& trap,
                                    const std::optional<Brake>& brake = {});
/// The brake without the trap, for those who tell farewell by a rule of their own. It looks at SYNs alone and
/// needs no connection tracking.
[[nodiscard]] std::string brake_text(std::string_view table, const Brake& brake);
/// Takes either out of a table, whether it is there or not.
[[nodiscard]] std::string no_trap_text(std::string_view table);
/// Fails, to be run by check_text, where the kernel's nftables has no `queue` statement.
[[nodiscard]] std::string queue_probe_text();

}  // namespace farewell::nft
