// SPDX-License-Identifier: GPL-2.0-or-later
// What the core wants done, as values. Carrying it out is the enforcer's; its outcome comes back
// to the engine as one more input.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/address.hpp"
#include "core/time.hpp"

namespace farewell::core {

enum class BanReason : std::uint8_t {
    port_scan,    ///< it tried too many closed ports
    port_sweep,   ///< it tried one port of too many hosts
    by_operator,  ///< typed by a person
    imported,     ///< one of many that a person had in a file
};
[[nodiscard]] std::string_view name_of(BanReason reason);
/// Not for what the source did here.
[[nodiscard]] constexpr bool is_by_person(BanReason reason) {
    return reason == BanReason::by_operator || reason == BanReason::imported;
}

/// Keep this source out until `until`: everything from it, or softly, what does not belong to a connection
/// that stands. Its length is_ban_length().
struct Ban {
    Prefix source;
    Time until;
    BanReason reason = BanReason::port_scan;
    bool soft = false;          ///< somebody else may have sent what it rests on: no connection is cut for it
    bool changed_form = false;  ///< it was full before and is soft now, or the other way round
    std::uint32_t offence =
        0;  ///< how many times it was banned for what it did, this one included; 0: for none
};

enum class UnbanReason : std::uint8_t {
    expired,            ///< its time is over; the kernel's timeout has already let the source in
    by_operator,        ///< a person said so
    allowlisted,        ///< the source was put on the allowlist
    protected_address,  ///< it has become this host's own address, a gateway, a resolver or a logged-in peer
};
[[nodiscard]] std::string_view name_of(UnbanReason reason);

struct Unban {
    Prefix source;
    UnbanReason reason = UnbanReason::expired;
    BanReason banned_for = BanReason::port_scan;
};

}  // namespace farewell::core
