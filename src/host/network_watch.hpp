// SPDX-License-Identifier: GPL-2.0-or-later
// Interfaces, addresses and routes of this network namespace, read anew whenever the kernel says that they
// have changed.
//
// Use:     open(), then on_readable() whenever fd() is readable, and refresh() now and then.
// Threads: one.
// Cost:    reading everything anew takes a fraction of a millisecond on a host, a second on a router of the
//          whole Internet; it is done for changes that can matter only, and never takes more than a tenth
//          of the time.
// Logs, counts: nothing.
#pragma once

#include <cstdint>
#include <expected>
#include <farewell/error.hpp>
#include <memory>
#include <vector>

#include "core/address.hpp"
#include "core/knowledge.hpp"
#include "core/time.hpp"
#include "netlink/channel.hpp"

namespace farewell::host {

class NetworkWatch {
 public:
    /// Each in order and without repetition.
    struct Facts {
        std::vector<core::Knowledge::Interface> interfaces;
        std::vector<core::Address> own_addresses;
        std::vector<core::Prefix> on_link;
        std::vector<core::Address> broadcasts;
        std::vector<core::Address> gateways;
    };

    /// Follows the changes from now on; nothing is read yet.
    [[nodiscard]] static std::expected<NetworkWatch, Error> open();

    /// Readable when something has changed.
    [[nodiscard]] int fd() const { return changes_->fd(); }
    /// Takes in what has changed. Does not wait.
    void on_readable();

    /// Reads everything anew where that is due. 0, or the errno that kept it from being read; it then stays
    /// due.
    int refresh(core::Time now);
    [[nodiscard]] const Facts& facts() const { return facts_; }

 private:
    NetworkWatch(std::unique_ptr<netlink::Channel> changes, std::unique_ptr<netlink::Channel> questions)
        : changes_(std::move(changes)), questions_(std::move(questions)) {}
    [[nodiscard]] std::expected<Facts, int> read();

    std::unique_ptr<netlink::Channel> changes_;
    std::unique_ptr<netlink::Channel> questions_;
    std::uint32_t sequence_ = 0;
    bool has_changed_ = true;  // never read
    core::Time not_before_ = core::Time::min();
    Facts facts_;
};

}  // namespace farewell::host
