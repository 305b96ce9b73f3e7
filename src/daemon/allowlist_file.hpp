// SPDX-License-Identifier: GPL-2.0-or-later
// Networks that an operator has put on the allowlist while farewelld runs (`farewell allow add`). They are
// kept in the state directory, beside those that the configuration has, which nobody but people writes.
//
// Use:       one instance. Threads: none of its own; not safe to share.
// Cost:      a change writes the whole file and waits for the disk; a few hundred entries are a few KiB.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "core/address.hpp"

namespace farewell::daemon {

struct AllowedNetwork {
    core::Prefix network;
    std::chrono::sys_seconds since;
    std::string note;  // as note_of makes it; may be empty
};

class AllowlistFile {
 public:
    static constexpr std::size_t kNetworksMax = 4096;

    /// No file is an empty list. The error is a sentence with file:line and the next step: whoever may have
    /// been on a list that cannot be read would be banned without it.
    [[nodiscard]] static std::expected<AllowlistFile, std::string> open(std::filesystem::path path);

    [[nodiscard]] const std::vector<AllowedNetwork>& networks() const { return networks_; }

    /// Whether it is new; then it is on the disk. The error is a sentence, and nothing has changed.
    [[nodiscard]] std::expected<bool, std::string> add(AllowedNetwork network);
    /// Whether it was there; otherwise as add. Exactly this network, none within or around it.
    [[nodiscard]] std::expected<bool, std::string> remove(const core::Prefix& network);

 private:
    explicit AllowlistFile(std::filesystem::path path) : path_(std::move(path)) {}
    [[nodiscard]] std::expected<void, std::string> save(const std::vector<AllowedNetwork>& networks) const;

    std::filesystem::path path_;
    std::vector<AllowedNetwork> networks_;
};

/// The configured ones, and those added by hand.
[[nodiscard]] std::vector<core::Prefix> with_networks(std::vector<core::Prefix> configured,
                                                      const AllowlistFile& by_hand);

}  // namespace farewell::daemon
