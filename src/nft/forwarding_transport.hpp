// SPDX-License-Identifier: GPL-2.0-or-later
// For tests and benchmarks: a transport that does what another does, to override some of it.
#pragma once

#include <memory>
#include <utility>

#include "nft/transport.hpp"

namespace farewell::nft {

class ForwardingTransport : public Transport {
 public:
    explicit ForwardingTransport(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}

    int commit(std::span<const std::byte> batch, std::uint32_t first_sequence,
               std::uint32_t last_sequence) override {
        return inner_->commit(batch, first_sequence, last_sequence);
    }
    int query(std::span<const std::byte> request, std::uint32_t sequence,
              const std::function<void(const nlmsghdr&)>& on_message) override {
        return inner_->query(request, sequence, on_message);
    }
    std::expected<void, std::string> run(const std::string& text) override { return inner_->run(text); }
    [[nodiscard]] std::uint32_t port() const override { return inner_->port(); }

 private:
    std::unique_ptr<Transport> inner_;
};

}  // namespace farewell::nft
