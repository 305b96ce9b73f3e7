// SPDX-License-Identifier: GPL-2.0-or-later
// The journal's messages that have a name: packaging/farewell.catalog explains each under its id
// (`journalctl -x`), and a test compares the two. An id never changes and is never used again.
#pragma once

#include <array>
#include <string_view>

namespace farewell::service {

struct MessageId {
    std::string_view text;
};

inline constexpr MessageId kStarted{"43082d6900524a2c81f1a050515cea81"};
inline constexpr MessageId kStartFailed{"2f57aacd6258427b8d016bf07630c1ed"};
inline constexpr MessageId kBanned{"ffb23dd178e645e9bc8b3b28612132ef"};
inline constexpr MessageId kWouldBan{"50ba87876a27409583e095b8d7a4603e"};
inline constexpr MessageId kMoreBanned{"5fc5b35984eb47cd845374e1c1f9bc23"};
inline constexpr MessageId kUnbanned{"b327a0d2684641f5a65e6265b5684e55"};
inline constexpr MessageId kBanRefused{"f27fcfe465f24d5cbc613efa7ab5d148"};
inline constexpr MessageId kRepaired{"8b02d38f0571493280c48abaec4255c6"};
inline constexpr MessageId kRepairFailed{"3f84c5aadf2443b0b72d5b5174e97a7e"};
inline constexpr MessageId kBudgetSpent{"0c4e076f50e741bdb70223c7d54bd4eb"};
inline constexpr MessageId kBansResumed{"86c0b87a53744c00b9d9441fc3d70871"};
inline constexpr MessageId kReloaded{"cfd9b716aa504a34af760c6b6e2b555a"};
inline constexpr MessageId kReloadRefused{"42a34717e1d94db196aa4c107b5e0e40"};
inline constexpr MessageId kThreadStuck{"4015d000e34d48c1b51e8a1e1ca69ad2"};

inline constexpr std::array kMessageIds{
    kStarted,  kStartFailed,  kBanned,      kWouldBan,    kMoreBanned, kUnbanned,      kBanRefused,
    kRepaired, kRepairFailed, kBudgetSpent, kBansResumed, kReloaded,   kReloadRefused, kThreadStuck};

// Names of fields, so that they are spelled in one place.
namespace field {
inline constexpr std::string_view kAction = "FAREWELL_ACTION";    // ban, unban, would-ban, repair
inline constexpr std::string_view kSource = "FAREWELL_SOURCE";    // an address or prefix
inline constexpr std::string_view kPorts = "FAREWELL_PORTS";      // "tcp/21 tcp/23", at most 32
inline constexpr std::string_view kReason = "FAREWELL_REASON";    // in words
inline constexpr std::string_view kUntil = "FAREWELL_UNTIL";      // RFC 3339
inline constexpr std::string_view kForm = "FAREWELL_FORM";        // full, soft
inline constexpr std::string_view kOffence = "FAREWELL_OFFENCE";  // a number
inline constexpr std::string_view kCount = "FAREWELL_COUNT";      // of bans
inline constexpr std::string_view kBy = "FAREWELL_BY";            // the program that changed our table
inline constexpr std::array kAll{kAction, kSource, kPorts, kReason, kUntil, kForm, kOffence, kCount, kBy};
}  // namespace field

}  // namespace farewell::service
